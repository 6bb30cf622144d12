"""What the search finds when a person looks for how to do something."""

from dataclasses import dataclass

from vidik.operations.rules.model import Text


@dataclass(frozen=True)
class HelpTopic:
    """A topic of help: a code that the front end knows, its title, words that people may type."""

    code: str
    title: Text
    keywords: str


HELP_TOPICS = (
    HelpTopic(
        "acknowledge",
        Text(en="Acknowledge an alarm", sr="Преузимање аларма"),
        "ack a confirm take note потврди прихвати",
    ),
    HelpTopic("keyboard", Text(en="Keyboard shortcuts", sr="Пречице на тастатури"), "keys ? help тастери помоћ"),
    HelpTopic(
        "states",
        Text(en="What the states and colours mean", sr="Шта значе стања и боје"),
        "red diamond triangle unknown simulated legend легенда непознато симулирано",
    ),
    HelpTopic(
        "dead_letters",
        Text(en="Messages that were refused", sr="Одбијене поруке"),
        "dead letters replay rejected поново",
    ),
    HelpTopic(
        "silent_device", Text(en="When a device is silent", sr="Кад се уређај не јавља"), "offline lost no data ћути"
    ),
    HelpTopic(
        "history",
        Text(en="Look into the past of an asset", sr="Прошлост једног објекта"),
        "chart zoom csv export график извоз",
    ),
    HelpTopic("rules", Text(en="Rules that raise alarms", sr="Правила за аларме"), "threshold limit праг граница"),
    HelpTopic(
        "script", Text(en="Change language and script", sr="Промена језика и писма"), "cyrillic latin ћирилица латиница"
    ),
)

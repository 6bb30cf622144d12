/** What the server says of data, by its code, or by code and severity; in English its own sentence stands. The same
 * sentences as src/vidik/pilots/reports/findings.json, which reports use; a test holds the two together. */
export const findingsSrCyrl: Record<string, string> = {
  "placebos-few": "Иза распона стоји мало пробних прорачуна ({placebos}), па је проширен.",
  few_placebos: "Иза распона стоји мало пробних прорачуна ({placebos}), па је проширен.",
  few_weeks: "Извучено је мало седмица ({weeks}), па распон не може бити ужи.",
  single_series_weak:
    "Један низ сам је слаб доказ: рачуна се и све друго што се тада догодило. Колико греши није познато.",
  "single_series_weak.warning":
    "Један низ сам је слаб доказ: рачуна се и све друго што се тада догодило. Проба где се ништа није догодило: {runs}; у средини је грешка била {median}, највише {worst}.",
  days_left_out: "Изостављено је дана: {days}, јер тада неко место нема мерења.",
  donor_left_out: "{subject} не служи за поређење: недостаје {share} његових дана, или је увек нула.",
  second_opinion: "Обична синтетичка контрола библиотеке pysyncon налази {fraction}.",
  adjusted: "Укупно исправљено за {amount}, на {days} дана; разлог стоји у измени плана.",
  "spread-evenly":
    "{units}: зна се само уштеда по дану, па се вреднује као да је равномерно пала на све сате, иако се цена мења по сату.",
  "baseline-too-short": "{subject}: основни период има премало података за модел.",
  "reporting-too-short": "{subject}: премало дана извештајног периода може да се упореди.",
  "reporting-too-short.refused":
    "{subject}: у извештајном периоду може да се упореди дана {days} од {of}; то је премало.",
  "nothing-expected":
    "{subject}: очекивано износи нула или мање. Бројило у оба смера мора се читати без предате енергије.",
  standstill:
    "{subject}: од {first} до {last} било је дана застоја ({days}), иако се много очекивало; ти дани су изостављени.",
  step: "{subject}: од {first} до {last} {change} него што се очекивало, према времену око тога. Шта се догодило?",
  slow_drift:
    "{subject}: између {first} и {last} полако се удаљава од очекиваног, до {change}. Шта се догодило?",
  weekly_pattern_changed:
    "{subject}: од {first} део седмичне количине ({size}) пада на друге дане у седмици. Шта се догодило?",
  "metering-step":
    "{subject}: од {first} до {last} изгубљен је део очитавања бројила ({size} онога што бројило показује, дана: {days}); то је промена у мерењу, не у потрошњи. Шта се догодило?",
  scale:
    "{subject}: извештајни период је на другој скали, {factor} пута; погледајте јединицу, множилац и бројило. Уштеда се не објављује.",
  "baseline-scale":
    "{subject}: од {first} основни период је на другој скали, {factor} пута; погледајте јединицу и множилац. Уштеда се не објављује.",
  "no-data": "{subject}: у овом времену нема мерења.",
  "baseline-empty": "{subject}: у основном периоду нема података.",
  "reporting-empty": "{subject}: у извештајном периоду нема података.",
  "baseline-gaps": "{subject} има податке за {share} дана основног периода; CalTRACK 2.0 тражи 90 %.",
  "reporting-gaps": "{subject} има податке за {share} дана извештајног периода; CalTRACK 2.0 тражи 90 %.",
  "baseline-temperature":
    "{subject}: температура је позната за {share} дана основног периода; CalTRACK 2.0 тражи 90 %.",
  "reporting-temperature":
    "{subject}: температура је позната за {share} дана извештајног периода; CalTRACK 2.0 тражи 90 %.",
  "baseline-season": "{subject}: основни период не садржи свако годишње доба извештајног.",
  constant: "{subject} стално показује исту вредност ({value}): погледајте да ли ишта мери.",
  "negative.repaired": "{subject}: негативних вредности: {count}; рачунају се као да недостају.",
  "negative.warning": "{subject}: негативних вредности: {count}; остављене су како јесу.",
  "outage.repaired":
    "{subject}: корака у низовима нула, иако бројило готово никад није на нули: {count}; рачунају се као да недостају.",
  "outage.warning":
    "{subject}: корака у низовима нула, иако бројило готово никад није на нули: {count}; остављени су како јесу.",
  "stuck.repaired":
    "{subject}: корака са истом вредношћу, дуже него што је овде уобичајено: {count}; рачунају се као да недостају.",
  "stuck.warning":
    "{subject}: корака са истом вредношћу, дуже него што је овде уобичајено: {count}; остављени су како јесу.",
  "outliers.repaired":
    "{subject}: вредности вишеструко изнад готово свих других: {count}; рачунају се као да недостају.",
  "outliers.warning":
    "{subject}: вредности вишеструко изнад готово свих других: {count}; остављене су како јесу.",
  "sensor-broken.repaired":
    "{subject}: вредности које су знак поквареног сензора, а не температуре: {count}; рачунају се као да недостају.",
  "sensor-broken.warning":
    "{subject}: вредности које су знак поквареног сензора, а не температуре: {count}; остављене су како јесу.",
  "sensor-stuck.repaired": "{subject}: сати у којима сензор стоји: {count}; рачунају се као да недостају.",
  "sensor-stuck.warning": "{subject}: сати у којима сензор стоји: {count}; остављени су како јесу.",
  "temperature-unit": "{subject}: температуре изгледају као фаренхајти или келвини.",
  "counter-spike": "{subject}: очитавања која искачу и одмах се враћају изостављена су ({readings}).",
  "counter-rollover.repaired": "{subject}: бројило је прошло последњу цифру ({times}); избројано је спојено.",
  "counter-rollover.warning":
    "{subject}: бројило је прошло последњу цифру ({times}); корак преко тога рачуна се као да недостаје.",
  "counter-reset.repaired": "{subject}: бројило је враћено ({times}); избројано је спојено.",
  "counter-reset.warning":
    "{subject}: бројило је враћено ({times}); корак преко тога рачуна се као да недостаје.",
  "counter-dropouts": "{subject}: очитавања која падају на нулу изостављена су ({readings}).",
  "counter-column":
    "{column}: вредности стално расту, од {from} до {to}; то је стање бројила. Читајте га као бројило.",
  "clock-stands-still": "Времена не прескачу сат у пролеће, па су читана као зимско време.",
  "hours-shared": "{subject}: више очитавања дели исти сат ({hours}); сабрана су.",
  "short-gaps": "{subject}: рупе до три сата између очитавања ({gaps}) премошћене су равномерно.",
  "short-gaps.repaired": "{subject}: сати којима недостаје део корака ({hours}) допуњени су из осталих.",
  "short-gaps.warning": "{subject}: сати којима недостаје део корака ({hours}) рачунају се као да недостају.",
  duplicates: "{subject}: редова са већ виђеним временом: {rows}; времена са другом вредношћу: {conflicts}.",
  "rows-short": "{subject}: редова са мање поља него у првом реду: {rows}; рачунају се као да недостају.",
  "times-unreadable": "{subject}: редова са нечитљивим временом: {rows}; рачунају се као да недостају.",
  "values-unreadable": "{subject}: вредности које нису бројеви: {rows}; рачунају се као да недостају.",
};

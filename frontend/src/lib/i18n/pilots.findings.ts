/** What the server says of data, by its code; in English its own sentence stands. */
export const findingsSrCyrl: Record<string, string> = {
  "placebos-few": "Иза распона стоји мало пробних прорачуна ({placebos}), па је проширен.",
  few_placebos: "Иза распона стоји мало пробних прорачуна ({placebos}), па је проширен.",
  few_weeks: "Извучено је мало седмица ({weeks}), па распон не може бити ужи.",
  single_series_weak: "Један низ сам је слаб доказ: рачуна се и све друго што се тада догодило.",
  days_left_out: "Изостављено је дана: {days}, јер тада неко место нема мерења.",
  donor_left_out: "{subject} не служи за поређење: недостаје {share} његових дана, или је увек нула.",
  second_opinion: "Обична синтетичка контрола библиотеке pysyncon налази {fraction}.",
  "spread-evenly":
    "{units}: зна се само уштеда по дану, па се вреднује као да је равномерно пала на све сате, иако се цена мења по сату.",
  adjusted: "Исправљено за познату количину на {days} дана.",
  "baseline-too-short": "{subject}: основни период има премало података за модел.",
  "reporting-too-short": "{subject}: премало дана извештајног периода може да се упореди.",
  standstill: "{subject} је стајао од {first} до {last}; ти дани су изостављени.",
  step: "{subject}: од {first} до {last} троши друкчије него што се очекивало, према времену око тога. Шта се догодило?",
  slow_drift: "{subject}: од {first} се полако удаљава од очекиваног. Шта се догодило?",
  weekly_pattern_changed:
    "{subject}: од {first} део седмичне количине пада на друге дане у седмици. Шта се догодило?",
  "metering-step":
    "{subject}: од {first} до {last} изгубљен је већи део очитавања бројила; то је промена у мерењу, не у потрошњи.",
  scale: "{subject}: извештајни период је на другој скали, {factor} пута; погледајте јединицу и множилац.",
  "baseline-scale":
    "{subject}: од {first} основни период је на другој скали, {factor} пута; погледајте јединицу и множилац.",
  "no-data": "{subject}: у овом времену нема мерења.",
  "baseline-empty": "{subject}: у основном периоду нема података.",
  "reporting-empty": "{subject}: у извештајном периоду нема података.",
  "baseline-gaps": "{subject} нема податке за све дане основног периода; CalTRACK 2.0 тражи 90 %.",
  "reporting-gaps": "{subject} нема податке за све дане извештајног периода; CalTRACK 2.0 тражи 90 %.",
  "baseline-temperature": "Температура је позната само за {share} дана основног периода.",
  "reporting-temperature": "Температура је позната само за {share} дана извештајног периода.",
  "baseline-season": "{subject}: основни период не садржи свако годишње доба извештајног.",
  "temperature-unit": "{subject}: температуре изгледају као фаренхајти или келвини.",
  "counter-spike": "{subject}: очитавања која искачу и одмах се враћају изостављена су ({readings}).",
  "counter-rollover": "{subject}: бројило је прошло последњу цифру ({times}).",
  "counter-reset": "{subject}: бројило је кренуло од нуле ({times}).",
  "counter-dropouts": "{subject}: очитавања која падају на нулу изостављена су ({readings}).",
  "clock-stands-still": "Времена не прескачу сат у пролеће, па су читана као зимско време.",
  "hours-shared": "{subject}: више очитавања дели исти сат ({hours}).",
  "short-gaps": "{subject}: кратке рупе у подацима.",
  duplicates: "{subject}: иста времена више пута ({rows}).",
};

/** What is wrong with a field of a plan, by its code. */
export const problemsSrCyrl: Record<string, string> = {
  missing: "Ово недостаје.",
  string_too_short: "Ово недостаје.",
  too_short: "Додајте бар једно.",
  "signal-source": "Изаберите објекат и његов атрибут, или датотеку и њену колону.",
  "name-twice": "Ово име већ носи друго место.",
  "signal-twice": "Исти сигнал стоји двапут.",
  zone: "Ова временска зона не постоји.",
  "exclusion-outside": "Ови дани нису ни у једном периоду.",
  "adjustment-outside": "Ови дани су изван извештајног периода.",
  "price-unit": "Цена мора бити у RSD по јединици плана.",
  "emission-unit": "Фактор мора бити у kg по јединици плана.",
  decimal_parsing: "Упишите број.",
  decimal_type: "Упишите број.",
};

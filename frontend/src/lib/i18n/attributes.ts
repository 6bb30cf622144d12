import type { Message } from "./en";

type Pair = { en: Message; "sr-Cyrl": Message };

/** Words for the attributes and asset types that the city model uses. A name without words is shown spaced. */
export const attributeWords: Record<string, Pair> = {
  activePower: { en: "Active power", "sr-Cyrl": "Активна снага" },
  availableSpotNumber: { en: "Free spots", "sr-Cyrl": "Слободна места" },
  averageVehicleSpeed: { en: "Mean speed", "sr-Cyrl": "Средња брзина" },
  batteryLevel: { en: "Battery", "sr-Cyrl": "Батерија" },
  dataOrigin: { en: "Origin of the data", "sr-Cyrl": "Порекло података" },
  energy: { en: "Energy", "sr-Cyrl": "Енергија" },
  energyConsumed: { en: "Energy used", "sr-Cyrl": "Утрошена енергија" },
  energyTotal: { en: "Heat delivered", "sr-Cyrl": "Испоручена топлота" },
  fillingLevel: { en: "Filling", "sr-Cyrl": "Попуњеност" },
  flow: { en: "Flow", "sr-Cyrl": "Проток" },
  illuminanceLevel: { en: "Light level", "sr-Cyrl": "Јачина светла" },
  intensity: { en: "Intensity", "sr-Cyrl": "Интензитет" },
  location: { en: "Location", "sr-Cyrl": "Положај" },
  name: { en: "Name", "sr-Cyrl": "Назив" },
  no2: { en: "NO₂", "sr-Cyrl": "NO₂" },
  NO2: { en: "NO₂", "sr-Cyrl": "NO₂" },
  occupancy: { en: "Occupancy", "sr-Cyrl": "Заузетост" },
  operator: { en: "Operator", "sr-Cyrl": "Управља" },
  outdoorTemperature: { en: "Outdoors", "sr-Cyrl": "Напољу" },
  pm10: { en: "PM10", "sr-Cyrl": "PM10" },
  PM10: { en: "PM10", "sr-Cyrl": "PM10" },
  pm25: { en: "PM2.5", "sr-Cyrl": "PM2.5" },
  PM25: { en: "PM2.5", "sr-Cyrl": "PM2.5" },
  power: { en: "Heat power", "sr-Cyrl": "Топлотна снага" },
  powerState: { en: "Power", "sr-Cyrl": "Напајање" },
  pressure: { en: "Pressure", "sr-Cyrl": "Притисак" },
  referenceTemperature: { en: "Set by the curve", "sr-Cyrl": "Задато кривом" },
  relativeHumidity: { en: "Humidity", "sr-Cyrl": "Влажност" },
  returnTemperaturePrimary: { en: "Return, primary", "sr-Cyrl": "Поврат, примар" },
  returnTemperatureSecondary: { en: "Return, secondary", "sr-Cyrl": "Поврат, секундар" },
  status: { en: "Status", "sr-Cyrl": "Стање" },
  supplyTemperaturePrimary: { en: "Supply, primary", "sr-Cyrl": "Полаз, примар" },
  supplyTemperatureSecondary: { en: "Supply, secondary", "sr-Cyrl": "Полаз, секундар" },
  temperature: { en: "Temperature", "sr-Cyrl": "Температура" },
  totalSpotNumber: { en: "Spots in all", "sr-Cyrl": "Укупно места" },
  volume: { en: "Volume", "sr-Cyrl": "Запремина" },
};

export const typeWords: Record<string, Pair> = {
  AirQualityObserved: { en: "Air station", "sr-Cyrl": "Мерна станица ваздуха" },
  HeatSubstation: { en: "Heating substation", "sr-Cyrl": "Топлотна подстаница" },
  OffStreetParking: { en: "Parking site", "sr-Cyrl": "Паркиралиште" },
  ParkingSpot: { en: "Parking spot", "sr-Cyrl": "Паркинг место" },
  Streetlight: { en: "Luminaire", "sr-Cyrl": "Светиљка" },
  StreetlightControlCabinet: { en: "Lighting cabinet", "sr-Cyrl": "Ормар осветљења" },
  TrafficFlowObserved: { en: "Traffic counter", "sr-Cyrl": "Бројач саобраћаја" },
  WasteContainer: { en: "Waste container", "sr-Cyrl": "Контејнер" },
  WaterConsumptionObserved: { en: "Water zone meter", "sr-Cyrl": "Водомер зоне" },
};

/** Why a message was refused. */
export const reasonWords: Record<string, Pair> = {
  broken_payload: { en: "Broken payload", "sr-Cyrl": "Неисправан садржај" },
  broken: { en: "Broken payload", "sr-Cyrl": "Неисправан садржај" },
  future_time: { en: "Time in the future", "sr-Cyrl": "Време у будућности" },
  forbidden: { en: "Not allowed to write here", "sr-Cyrl": "Не сме овде да пише" },
  missing: { en: "Field is missing", "sr-Cyrl": "Поље недостаје" },
  not_allowed: { en: "Not allowed to write here", "sr-Cyrl": "Не сме овде да пише" },
  out_of_range: { en: "Implausible value", "sr-Cyrl": "Невероватна вредност" },
  oversize: { en: "Too large", "sr-Cyrl": "Превелика порука" },
  too_large: { en: "Too large", "sr-Cyrl": "Превелика порука" },
  unknown_device: { en: "Unknown device", "sr-Cyrl": "Непознат уређај" },
  unknown_profile: { en: "Unknown profile", "sr-Cyrl": "Непознат профил" },
  wrong_type: { en: "Wrong type of value", "sr-Cyrl": "Погрешна врста вредности" },
};

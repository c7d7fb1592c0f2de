const encoder = new TextEncoder();

/**
 * What stands between the values of a JSON header, in the order in which Java writes its members:
 * the writer puts it there, and the quick reader compares with it.
 */
export const TEXTS = {
  code: '{"code":',
  extFields: ',"extFields":',
  flag: ',"flag":',
  language: ',"language":"',
  opaque: '","opaque":',
  remark: ',"remark":',
  version: ',"serializeTypeCurrentRPC":"JSON","version":',
} as const;

/** The same as bytes. */
export const CODE = encoder.encode(TEXTS.code),
  EXT_FIELDS = encoder.encode(TEXTS.extFields),
  FLAG = encoder.encode(TEXTS.flag),
  LANGUAGE = encoder.encode(TEXTS.language),
  OPAQUE = encoder.encode(TEXTS.opaque),
  REMARK = encoder.encode(TEXTS.remark),
  VERSION = encoder.encode(TEXTS.version);

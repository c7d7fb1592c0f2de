const encoder = new TextEncoder();

/**
 * What stands between the values of a JSON header, in the order in which Java writes its members:
 * the writer puts these bytes there, and the quick reader compares with them.
 */
export const CODE = encoder.encode('{"code":'),
  EXT_FIELDS = encoder.encode(',"extFields":'),
  FLAG = encoder.encode(',"flag":'),
  LANGUAGE = encoder.encode(',"language":"'),
  OPAQUE = encoder.encode('","opaque":'),
  REMARK = encoder.encode(',"remark":'),
  VERSION = encoder.encode(',"serializeTypeCurrentRPC":"JSON","version":');

import { assertEquals, assertThrows } from "@std/assert";
import {
  compressionFlags,
  CompressionType,
  compressionTypeOf,
  MessageDecodeError,
  SysFlag,
  transactionFlagOf,
  withTransactionFlag,
} from "../../src/message/internal.ts";
import { readVectors } from "./fixtures.ts";

interface Expected {
  compressed: boolean;
  compressionType: string;
  transactionValue: number;
  resetToCommit: number;
  clearCompressed: number;
}

const NAMES: Record<string, CompressionType> = {
  LZ4: CompressionType.LZ4,
  ZSTD: CompressionType.ZSTD,
  ZLIB: CompressionType.ZLIB,
};

Deno.test("sysFlag - its parts are those of the Java library", () => {
  for (
    const { name, input: { sysFlag }, expected } of readVectors<{ sysFlag: number }, Expected>(
      "compression",
      "sysFlag",
    )
  ) {
    assertEquals(transactionFlagOf(sysFlag), expected.transactionValue, name);
    const committed = withTransactionFlag(sysFlag, SysFlag.TransactionCommit);
    assertEquals(committed, expected.resetToCommit, name);
    assertEquals(sysFlag & ~SysFlag.Compressed, expected.clearCompressed, name);
    if (expected.compressionType === "error") {
      assertThrows(() => compressionTypeOf(sysFlag), MessageDecodeError, "compression type 7");
    } else {
      const type = expected.compressed ? NAMES[expected.compressionType] : undefined;
      assertEquals(compressionTypeOf(sysFlag), type, name);
    }
  }
});

Deno.test("SysFlag - has the bits of the protocol", () => {
  const path = new URL("../fixtures/vectors/constants.json", import.meta.url);
  const { messageSysFlag: official } = JSON.parse(Deno.readTextFileSync(path));
  assertEquals(SysFlag.Compressed, official.COMPRESSED_FLAG);
  assertEquals(SysFlag.MultiTags, official.MULTI_TAGS_FLAG);
  assertEquals(SysFlag.TransactionPrepared, official.TRANSACTION_PREPARED_TYPE);
  assertEquals(SysFlag.TransactionCommit, official.TRANSACTION_COMMIT_TYPE);
  assertEquals(SysFlag.TransactionRollback, official.TRANSACTION_ROLLBACK_TYPE);
  assertEquals(SysFlag.BornHostV6, official.BORNHOST_V6_FLAG);
  assertEquals(SysFlag.StoreHostV6, official.STOREHOSTADDRESS_V6_FLAG);
  assertEquals(SysFlag.NeedUnwrap, official.NEED_UNWRAP_FLAG);
  assertEquals(SysFlag.InnerBatch, official.INNER_BATCH_FLAG);
  assertEquals(SysFlag.CompressionMask, official.COMPRESSION_TYPE_COMPARATOR);
  for (const [name, type] of Object.entries(NAMES)) {
    assertEquals(compressionFlags(type), official[`COMPRESSION_${name}_TYPE`] | 1, name);
    assertEquals(compressionTypeOf(compressionFlags(type)), type);
  }
});

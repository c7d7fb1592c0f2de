import type { OrderRow } from "./shop_database.ts";
import type { Shipment } from "./warehouse.ts";

/** Orders against messages. */
export interface Comparison {
  /** A table for people. */
  table: string;
  /** How many orders there are. */
  orders: number;
  /** How many orders the warehouse has. */
  shipments: number;
  /** The requests where the two sides do not agree. */
  disagreements: string[];
  /** The orders whose message is visible more than once, and was shipped once all the same. */
  repeated: string[];
}

const HEADINGS = ["request", "order", "decision", "messages", "shipments", "agree"];

/** Compares what the shop has sold with what the warehouse has shipped. */
export function compare(rows: OrderRow[], shipments: Shipment[]): Comparison {
  const known = new Set(rows.map(({ orderId }) => orderId));
  const strangers = shipments.filter(({ orderId }) => !known.has(orderId))
    .map(({ orderId }): OrderRow => ({ orderId, isPlaced: false, decision: "" }));
  const disagreements: string[] = [];
  const lines = [...rows, ...strangers].map(({ orderId, isPlaced, decision }) => {
    const shipped = shipments.filter((shipment) => shipment.orderId === orderId);
    const messages = shipped.reduce((sum, { copies }) => sum + copies, 0);
    const agrees = shipped.length === (isPlaced ? 1 : 0) &&
      (decision === "COMMIT") === isPlaced;
    if (!agrees) disagreements.push(orderId);
    return [
      orderId,
      isPlaced ? "placed" : "none",
      decision || "none",
      String(messages),
      String(shipped.length),
      agrees ? "yes" : "NO",
    ];
  });
  return {
    table: format([HEADINGS, ...lines]),
    orders: rows.filter(({ isPlaced }) => isPlaced).length,
    shipments: shipments.length,
    disagreements,
    repeated: rows.map(({ orderId }) => orderId).filter((id) =>
      shipments.some(({ orderId, copies }) => orderId === id && copies > 1)
    ),
  };
}

function format(lines: string[][]): string {
  const widths = HEADINGS.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  return lines.map((line) => line.map((cell, at) => cell.padEnd(widths[at]!)).join("  ").trimEnd())
    .join("\n");
}

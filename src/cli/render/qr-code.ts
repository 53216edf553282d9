// A ticket as a QR code of text, for a camera that looks at the terminal.
import { cellWidth } from "./printable.js";

/** Lines of half blocks, light on dark; a sentence instead where they would not fit into `columns`. In capitals, which
 * take less room in a QR code; tickets mean the same in either case. */
export async function ticketAsQrCode(ticket: string, columns: number): Promise<string> {
  const { renderUnicodeCompact } = await import("uqr");
  const code = renderUnicodeCompact(ticket.toUpperCase(), { border: 2 });
  const [firstLine = ""] = code.split("\n", 1);
  const cells = cellWidth(firstLine);
  return cells <= columns
    ? code
    : `the QR code needs ${cells} columns, but the terminal has ${columns}: widen it and share again`;
}

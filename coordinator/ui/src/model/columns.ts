// Reads GET /api/v1/matrix?layout=columns as it arrives, into flat arrays. A thousand sites are 27 MB of text: JSON.parse
// would make four million values of it and hold up the page meanwhile. Pure.
import { stateNames } from "./states";
import type { MatrixAnswer, Unit } from "./types";

/** The state of a place without a cell. */
export const absent = 255;
const never = stateNames.indexOf("never");

const enum Byte {
  quote = 0x22, comma = 0x2c, point = 0x2e, zero = 0x30, nine = 0x39, colon = 0x3a, open_array = 0x5b, backslash = 0x5c, close_array = 0x5d,
  letter_n = 0x6e, open_object = 0x7b, close_object = 0x7d,
}
const powers = Array.from({ length: 23 }, (_, i) => 10 ** i);
const stateBytes = stateNames.map((name) => new TextEncoder().encode(name));

type NumberColumn = "value" | "count" | "age_s" | "error_s";
const numberColumns: readonly string[] = ["value", "count", "age_s", "error_s"];

/** Grows where the number of sites is not known yet. */
class Column<Items extends Float64Array | Uint8Array> {
  items: Items;
  length = 0;

  constructor(size: number, private readonly make_: (size: number) => Items, private readonly missing_: number) {
    this.items = make_(size);
  }

  grow(): Items {
    const larger = this.make_(Math.max(1024, 2 * this.length));
    larger.set(this.items);
    this.items = larger;
    return larger;
  }

  push(item: number): void {
    if (this.length === this.items.length) this.grow();
    this.items[this.length] = item;
    this.length += 1;
  }

  /** Exactly so many; what is missing is not known. */
  take(size: number): Items {
    while (this.items.length < size) this.grow();
    if (this.length < size) this.items.fill(this.missing_, this.length);
    return this.items.subarray(0, size) as Items;
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

export class ColumnsReader {
  /** What has come and is not read yet; a zero behind its end, so that every token ends. */
  private bytes_ = new Uint8Array(1);
  private end_ = 0;
  private at_ = 0;
  private mode_: "begin" | "key" | "field" | "numbers" | "states" | "done" = "begin";
  private key_ = "";
  private readonly fields_ = new Map<string, unknown>();
  private readonly columns_ = new Map<string, Column<Float64Array>>();
  private states_ = this.newStates();
  private numbers_ = this.newNumbers();
  private readonly text_ = new TextDecoder();

  push(chunk: Uint8Array): void {
    const rest = this.bytes_.subarray(this.at_, this.end_);
    const bytes = new Uint8Array(rest.length + chunk.length + 1);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    this.bytes_ = bytes;
    this.end_ = bytes.length - 1;
    this.at_ = 0;
    while (this.step());
  }

  /** Throws where what came is no matrix. */
  end(): MatrixAnswer {
    const sites = this.fields_.get("sites");
    if (this.mode_ !== "done" || !Array.isArray(sites)) throw new Error("the answer is no matrix");
    const text = (name: string): string => {
      const field = this.fields_.get(name);
      return typeof field === "string" ? field : "";
    };
    const cells = sites.length ** 2;
    const column = (name: NumberColumn): Float64Array => (this.columns_.get(name) ?? this.newNumbers()).take(cells);
    const answer: MatrixAnswer = {
      mesh: text("mesh"), metric: text("metric"), stat: text("stat"), unit: text("unit") as Unit, window_s: Number(this.fields_.get("window_s") ?? 0), at: text("at"),
      sites: sites.map(String), value: column("value"), count: column("count"), age_s: column("age_s"),
      state: this.states_.take(cells),
    };
    if (this.columns_.has("error_s")) answer.error_s = column("error_s");
    return answer;
  }

  /** Reads on; false: there is nothing more that is complete. */
  private step(): boolean {
    switch (this.mode_) {
      case "begin": return this.expect(Byte.open_object, "key");
      case "key": return this.readKey();
      case "field": return this.readField();
      case "numbers":
        this.readPlainNumbers();
        return this.readColumn(() => this.readNumber());
      case "states":
        this.readSameStates();
        return this.readColumn(() => this.readState());
      case "done": return false;
    }
  }

  private skip(): number {
    while (this.at_ < this.end_ && (isSpace(this.bytes_[this.at_]!) || this.bytes_[this.at_] === Byte.comma)) this.at_ += 1;
    return this.bytes_[this.at_]!;
  }

  private wrong(): never {
    throw new Error("the answer is no matrix");
  }

  private expect(byte: number, next: "key"): boolean {
    const found = this.skip();
    if (this.at_ === this.end_) return false;
    if (found !== byte) this.wrong();
    this.at_ += 1;
    this.mode_ = next;
    return true;
  }

  private readKey(): boolean {
    const first = this.skip();
    if (this.at_ === this.end_) return false;
    if (first === Byte.close_object) {
      this.mode_ = "done";
      return false;
    }
    if (first !== Byte.quote) this.wrong();
    const end = this.stringEnd(this.at_);
    let after = end;
    while (end >= 0 && after < this.end_ && isSpace(this.bytes_[after]!)) after += 1;
    let value = after + 1;
    while (value < this.end_ && isSpace(this.bytes_[value]!)) value += 1;
    if (end < 0 || value >= this.end_) return false;
    if (this.bytes_[after] !== Byte.colon) this.wrong();
    this.key_ = JSON.parse(this.textOf(this.at_, end)) as string;
    this.at_ = value;
    const isColumn = this.key_ === "state" || numberColumns.includes(this.key_);
    if (!isColumn) {
      this.mode_ = "field";
      return true;
    }
    if (this.bytes_[value] !== Byte.open_array) this.wrong();
    this.at_ += 1;
    this.mode_ = this.key_ === "state" ? "states" : "numbers";
    if (this.mode_ === "numbers") this.columns_.set(this.key_, (this.numbers_ = this.newNumbers()));
    else this.states_ = this.newStates();
    return true;
  }

  /** The names come first, so that the sizes are known; where they do not, it grows. */
  private get cells_(): number {
    const sites = this.fields_.get("sites");
    return Array.isArray(sites) ? sites.length ** 2 : 0;
  }

  private newNumbers(): Column<Float64Array> {
    return new Column(this.cells_, (size) => new Float64Array(size), NaN);
  }

  private newStates(): Column<Uint8Array> {
    return new Column(this.cells_, (size) => new Uint8Array(size), absent);
  }

  private readField(): boolean {
    const end = this.valueEnd(this.at_);
    if (end < 0) return false;
    this.fields_.set(this.key_, JSON.parse(this.textOf(this.at_, end)));
    this.at_ = end;
    this.mode_ = "key";
    return true;
  }

  private readColumn(readItem: () => boolean): boolean {
    for (;;) {
      const byte = this.skip();
      if (this.at_ === this.end_) return false;
      if (byte === Byte.close_array) break;
      if (!readItem()) return false;
    }
    this.at_ += 1;
    this.mode_ = "key";
    return true;
  }

  /**
   * The numbers and nulls that come one behind the other without anything odd, which are nearly all. A number of at most 2^53 over a
   * power of ten up to 22 is exact (Clinger 1990).
   */
  private readPlainNumbers(): void {
    const { bytes_: bytes, end_: end, numbers_: numbers } = this;
    let { items } = numbers;
    let { length } = numbers;
    let at = this.at_;
    for (;;) {
      while (bytes[at] === Byte.comma) at += 1;
      const begin = at;
      let byte = bytes[at]!;
      if (byte === Byte.letter_n && at + 4 < end) {
        if (length === items.length) {
          numbers.length = length;
          items = numbers.grow();
        }
        items[length] = NaN;
        length += 1;
        at += 4;
        continue;
      }
      let mantissa = 0;
      for (; byte >= Byte.zero && byte <= Byte.nine; byte = bytes[++at]!) mantissa = 10 * mantissa + (byte - Byte.zero);
      let scale = 0;
      if (byte === Byte.point && at > begin) {
        const first = at + 1;
        for (byte = bytes[++at]!; byte >= Byte.zero && byte <= Byte.nine; byte = bytes[++at]!) mantissa = 10 * mantissa + (byte - Byte.zero);
        scale = at - first;
      }
      if (byte !== Byte.comma || at === begin || at >= end || scale >= powers.length || mantissa > Number.MAX_SAFE_INTEGER) {
        this.at_ = begin;
        numbers.length = length;
        return;
      }
      if (length === items.length) {
        numbers.length = length;
        items = numbers.grow();
      }
      items[length] = mantissa / powers[scale]!;
      length += 1;
    }
  }

  private readNumber(): boolean {
    if (this.bytes_[this.at_] === Byte.letter_n) {
      if (!this.readNull(() => this.numbers_.push(NaN))) return false;
    } else if (!this.readOddNumber()) {
      return false;
    }
    this.readPlainNumbers();
    return true;
  }

  private readOddNumber(): boolean {
    const end = this.valueEnd(this.at_);
    if (end < 0) return false;
    const value: unknown = JSON.parse(this.textOf(this.at_, end));
    this.numbers_.push(typeof value === "number" ? value : NaN);
    this.at_ = end;
    return true;
  }

  /** Neighbours mostly have one state: as many of the last one as follow. */
  private readSameStates(): void {
    const { bytes_: bytes, end_: end, states_: states } = this;
    const code = states.length === 0 ? absent : states.items[states.length - 1]!;
    const name = stateBytes[code];
    if (!name) return;
    let at = this.at_;
    for (;;) {
      while (bytes[at] === Byte.comma) at += 1;
      if (at + name.length + 2 >= end || bytes[at] !== Byte.quote) break;
      let same = 0;
      while (same < name.length && bytes[at + 1 + same] === name[same]) same += 1;
      if (same < name.length || bytes[at + 1 + same] !== Byte.quote) break;
      at += name.length + 2;
      states.push(code);
    }
    this.at_ = at;
  }

  private readState(): boolean {
    const { bytes_: bytes } = this;
    if (bytes[this.at_] === Byte.letter_n) {
      if (!this.readNull(() => this.states_.push(absent))) return false;
    } else {
      if (bytes[this.at_] !== Byte.quote) this.wrong();
      const from = this.at_ + 1;
      const end = this.stringEnd(this.at_);
      if (end < 0) return false;
      const length = end - 1 - from;
      const code = stateBytes.findIndex((name) => name.length === length && name.every((byte, i) => bytes[from + i] === byte));
      // What is not known never looks good.
      this.states_.push(code < 0 ? never : code);
      this.at_ = end;
    }
    this.readSameStates();
    return true;
  }

  private readNull(put: () => void): boolean {
    if (this.at_ + 4 > this.end_) return false;
    put();
    this.at_ += 4;
    return true;
  }

  private textOf(from: number, to: number): string {
    return this.text_.decode(this.bytes_.subarray(from, to));
  }

  /** Behind the quote that closes the string at `from`; -1: it is not complete. */
  private stringEnd(from: number): number {
    for (let at = from + 1; at < this.end_; at += 1) {
      if (this.bytes_[at] === Byte.backslash) at += 1;
      else if (this.bytes_[at] === Byte.quote) return at + 1;
    }
    return -1;
  }

  /** Behind the value that begins at `from`; -1: it is not complete. */
  private valueEnd(from: number): number {
    let depth = 0;
    for (let at = from; at < this.end_;) {
      const byte = this.bytes_[at]!;
      if (byte === Byte.quote) {
        at = this.stringEnd(at);
        if (at < 0 || depth === 0) return at;
        continue;
      }
      if (byte === Byte.open_array || byte === Byte.open_object) depth += 1;
      else if (byte === Byte.close_array || byte === Byte.close_object) {
        if (depth === 0) return at;
        depth -= 1;
        if (depth === 0) return at + 1;
      } else if (depth === 0 && (byte === Byte.comma || isSpace(byte))) return at;
      at += 1;
    }
    return -1;
  }
}

import { call, json } from "../../api/client";

export interface Mapped { column: string; format: string }
export interface Mapping { fingerprint: string; sheet: string | null; columns: Record<string, Mapped>; currency: string; rates: Record<string, string> }
export interface Answering { question: string; needs: string[]; without: string[] }
export interface Source {
  source: string; title: string; file: string; publisher: string; licence: string; sha256: string; kept: number; rejected: number;
  loaded_at: string; as_of: string;
}
export interface Loaded {
  company: "none" | "generated" | "published" | "own"; rows: Record<string, number>; sources: Source[]; first_day: string | null;
  last_day: string | null; missing: string[]; questions: Answering[]; may_load: boolean;
}
export interface Target { name: string; title: string; kind: string; formats: string[] }
export interface FileColumn { column: string; name: string | null; confidence: number; sample: string }
export interface Open { kind: "format" | "rate"; name: string; text: string; choices: string[] }
export interface Proposal {
  file: string; form: string; sheet: string | null; rows: number; mapping: Mapping; remembered: boolean; columns: FileColumn[];
  targets: Target[]; questions: Open[]; lacking: string[]; conflict: string; answers: Answering[];
}
export interface Rejection { reason: string; count: number; example: string }
export interface Reject { row: number; column: string; value: string; reason: string }
export interface Done {
  file: string; sha256: string; read: number; kept: number; rejected: number; rejections: Rejection[]; rejects: Reject[]; notes: string[];
  answers: Answering[];
}
export interface Remembered { fingerprint: string; file: string; confirmed_at: string; mapping: Mapping }

/** The file goes as the body itself, and is sent again to be loaded: the service keeps nothing of it in between. */
function send<T>(path: string, file: File, how: Record<string, string>): Promise<T> {
  const query = new URLSearchParams({ name: file.name, ...how });
  return call("POST", `${path}?${query}`, file).then((answer) => answer.json() as Promise<T>);
}

const said = (mapping: Mapping | null): Record<string, string> => (mapping ? { mapping: JSON.stringify(mapping) } : {});

export const data = {
  loaded: () => json<Loaded>("GET", "data"),
  mappings: () => json<Remembered[]>("GET", "data/mappings"),
  forget: (fingerprint: string) => call("DELETE", `data/mappings/${fingerprint}`),
  propose: (file: File, mapping: Mapping | null, sheet: string) =>
    send<Proposal>("data/orders/propose", file, { ...said(mapping), ...(sheet ? { sheet } : {}) }),
  load: (file: File, mapping: Mapping, replace: boolean, meanwhile: boolean) =>
    send<Done>("data/orders", file, { ...said(mapping), replace: String(replace), meanwhile: String(meanwhile) }),
};

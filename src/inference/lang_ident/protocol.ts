/** The id that Elasticsearch has for its own, which is always there. */
export const LANG_IDENT = 'lang_ident_model_1';

export interface LangIdentRequest {
  readonly text: string;
}

export interface LangIdentOutput {
  /** As CLD3 writes them: `en`, `zh`, `iw`, `ru-Latn`; `zxx` where no language is found. */
  readonly language: string;
  readonly probability: number;
  readonly tokens: number;
}

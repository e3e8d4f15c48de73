import { readFileSync, statSync } from 'node:fs';

/** Where `${…}` gets its values. */
export interface Variables {
  env(name: string): string | undefined;
  /** @throws Error when the file cannot be read */
  file(path: string): string;
}

/** Larger files are no secrets. */
const MAX_SECRET_BYTES = 1 << 20;

export const systemVariables: Variables = {
  env: (name) => process.env[name],
  file: (path) => {
    const { size } = statSync(path);
    if (size > MAX_SECRET_BYTES) throw new Error(`larger than ${MAX_SECRET_BYTES} bytes`);
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  },
};

const PLACEHOLDER = /\$(\$?)\{(?:file:([^}]+)|([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?)\}/g;

/**
 * Fills in `${NAME}`, `${NAME:-default}` and `${file:/path}` (without a final line break); `$${…}` stays as `${…}`.
 * An unset or empty variable takes its default, as in a shell; without one it is an error, so that a forgotten
 * variable never becomes an empty password.
 */
export const interpolate = (
  text: string,
  variables: Variables,
): { readonly value: string; readonly error?: string } => {
  let error: string | undefined;
  const value = text.replace(
    PLACEHOLDER,
    (whole, literal: string, path: string | undefined, name: string | undefined, fallback: string | undefined) => {
      if (literal === '$') return whole.slice(1);
      if (path !== undefined) {
        try {
          return variables.file(path);
        } catch (cause) {
          error ??= `the file [${path}] cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
          return '';
        }
      }
      const found = variables.env(name!);
      if (found !== undefined && found !== '') return found;
      if (fallback !== undefined) return fallback;
      error ??= `the environment variable [${name}] is not set; write \${${name}:-default} to give it a default`;
      return '';
    },
  );
  return error === undefined ? { value } : { value, error };
};

import { messageOf } from '../../core/errors.ts';
import { formatMistakes, loadStream } from '../load-stream.ts';
import { createLog } from '../log.ts';

/** Tells all mistakes of all files. Answers with the exit status: 0 when there are none, 3 otherwise. */
export const validate = (files: readonly string[], { json }: { readonly json?: boolean }): number => {
  const log = createLog(json === true);
  const results = files.map((file) => {
    try {
      return { file, mistakes: loadStream(file, log).mistakes };
    } catch (error) {
      return { file, mistakes: [{ message: messageOf(error), line: 1, column: 1 }] };
    }
  });
  if (json === true) console.log(JSON.stringify(results));
  else
    for (const { file, mistakes } of results)
      console.log(mistakes.length === 0 ? `${file}  is valid` : formatMistakes(file, mistakes));
  return results.every(({ mistakes }) => mistakes.length === 0) ? 0 : 3;
};

import { parentPort } from 'node:worker_threads';
import { loadModule } from 'cld3-asm';
import { messageOf } from '../../core/errors.ts';
import { type FromWorker, loadFailure, type ToWorker } from '../protocol.ts';
import type { LangIdentOutput, LangIdentRequest } from './protocol.ts';

/** Bytes of a text that are looked at, as CLD3 itself does by default. */
const MOST_BYTES = 1000;
/** What Elasticsearch answers where it finds none. */
const NONE = 'zxx';

const port = parentPort!;
const tell = (message: FromWorker<LangIdentOutput>) => port.postMessage(message);
const cancelled = new Set<number>();

try {
  const identifier = (await loadModule()).create(1, MOST_BYTES);
  port.on('message', (message: ToWorker<LangIdentRequest>) => {
    if (message.kind === 'close') {
      identifier.dispose();
      return port.close();
    }
    if (message.kind === 'cancel') return void cancelled.add(message.id);
    const { id, text } = message.job;
    if (cancelled.delete(id)) return tell({ kind: 'cancelled', id });
    try {
      const { language, probability } = identifier.findLanguage(text.toWellFormed());
      const found = language === 'und' ? { language: NONE, probability: 0 } : { language, probability };
      tell({ kind: 'done', id, output: { ...found, tokens: 0 } });
    } catch (error) {
      tell({ kind: 'refused', id, type: 'inference_exception', message: messageOf(error) });
    }
  });
  tell({ kind: 'ready' });
} catch (error) {
  tell(loadFailure(error));
  port.close();
}

import { SluiceError } from '../../core/errors.ts';

const DRIVE = /^[a-z]:/i;

/**
 * A name from a server's list, which becomes a path below a model's folder.
 * @throws SluiceError SLUICE_MODEL_INVALID where it would lead out of it, or means something else on some system
 */
export const checkFileName = (name: string, place: string): string => {
  const segments = name.split('/');
  const wrong =
    name.length === 0 ||
    name.length > 512 ||
    name.includes('\\') ||
    /[\0-\x1f\x7f]/.test(name) ||
    DRIVE.test(name) ||
    segments.some((segment) => segment === '' || segment === '.' || segment === '..' || segment.length > 200);
  if (!wrong) return name;
  throw new SluiceError('SLUICE_MODEL_INVALID', `the file name ${JSON.stringify(name.slice(0, 100))} is refused`, {
    place,
    hint: 'It would lie outside of the model. Nothing was written; do not use this source.',
  });
};

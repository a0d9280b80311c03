// Plain words for the names that coretap gives to losses (docs/limits.md).
const LOSSES: Record<string, string> = {
  'ring-full': 'The ring was full: more came than coretap could take. A larger --ring helps',
  contended: 'Too many threads fired at the same moment',
  malformed: 'A record could not be read',
  'recorder-slow': 'The recorder did not keep up, as with a slow disk',
  damaged: 'The recording is damaged there',
};
export const lossWords = (reason: string): string => LOSSES[reason] ?? '';

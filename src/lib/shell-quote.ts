// Quotes a word for a POSIX shell, so that commands in messages can be copied whatever the names in them are.

/** Characters without a meaning of their own in sh, bash and zsh. `=` is special to zsh at the start of a word. */
const plainWord = /^[\w@%+:,./-][\w@%+:,./=-]*$/;

/** The word as it has to be written in a command: unchanged where that is safe, otherwise in single quotes. */
export function shellQuote(word: string): string {
  return plainWord.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

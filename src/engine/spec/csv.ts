/** A line of CSV, as in Docker: a field with a comma in it stands in quotes, where a quote is written twice. */
export function csvFields(text: string, wrong: (reason: string) => Error): readonly string[] {
  const fields = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/g)];
  if (fields.map(([whole]) => whole).join('') !== text)
    throw wrong('a quote is not closed, or stands inside of a field');
  return fields.map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain);
}

/** The reverse: whatever a field holds, it stays one field. */
export const csvLine = (fields: readonly string[]): string =>
  fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',');

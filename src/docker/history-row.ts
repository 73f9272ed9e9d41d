/** The steps an image was built in as rows of `history`, in the words of `docker history`. */
import type { HistoryEntry } from '../../images/types.ts';
import type { ListStyle, Row } from './rows.ts';
import { ellipsis, humanAgo, humanSize, shortId } from '../ui/human.ts';

export const historyListStyle: ListStyle = {
  columns: {
    ID: 'IMAGE',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    CreatedBy: 'CREATED BY',
    Size: 'SIZE',
    Comment: 'COMMENT',
  },
  defaultColumns: ['ID', 'CreatedSince', 'CreatedBy', 'Size', 'Comment'],
  quietColumn: 'ID',
};

export interface HistoryRowOptions {
  readonly noTrunc: boolean;
  /** false: bytes and full dates. */
  readonly human: boolean;
  readonly now: Date;
}

export function historyRow(
  line: HistoryEntry & { readonly id?: string; readonly size: number },
  { noTrunc, human, now }: HistoryRowOptions,
): Row {
  const created = line.created ?? '';
  const command = (line.created_by ?? '').replaceAll('\t', ' ');
  const createdAt = created === '' ? '' : created.replace(/\.\d+/, '');
  return {
    ID: line.id === undefined ? '<missing>' : noTrunc ? line.id : shortId(line.id),
    CreatedSince: human ? humanAgo(created, now) : createdAt,
    CreatedAt: createdAt,
    CreatedBy: noTrunc ? command : ellipsis(command, 45),
    Size: human ? humanSize(line.size) : String(line.size),
    Comment: line.comment ?? '',
  };
}

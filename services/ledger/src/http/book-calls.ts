import {
  closePeriod,
  getBookAccount,
  getBookTransaction,
  getHold,
  getOpenPeriod,
  openBookAccount,
  operateBook,
  operateBookInBulk,
  setAccountLimits,
} from '@daybook/contracts';
import { callRoutes, onCall } from '@daybook/http';
import type { Clock, Secret } from '@daybook/runtime';
import type { Router } from 'express';
import * as accounts from '../app/book-accounts';
import * as reads from '../app/book-reads';
import type { Books } from '../app/books';
import * as periods from '../app/close-period';
import * as operations from '../app/operate-book';

/** What callers do with accounts of their own, and operators with all. */
export function bookCalls(tokens: readonly Secret[], deps: { readonly books: Books; readonly now: Clock }): Router {
  return callRoutes(tokens, [
    onCall(openBookAccount, accounts.openBookAccount(deps)),
    onCall(setAccountLimits, accounts.setAccountLimits(deps)),
    onCall(getBookAccount, accounts.getBookAccount(deps.books)),
    onCall(operateBook, operations.operateBook(deps)),
    onCall(operateBookInBulk, operations.operateBookInBulk(deps)),
    onCall(closePeriod, periods.closePeriod(deps)),
    onCall(getOpenPeriod, periods.getOpenPeriod(deps.books)),
    onCall(getHold, reads.getHold(deps.books)),
    onCall(getBookTransaction, reads.getBookTransaction(deps.books)),
  ]);
}

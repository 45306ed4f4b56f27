/** The yardstick of G5: a POST of JSON on express that does nothing but answer. Tells its port to who started it. */
import type { AddressInfo } from 'node:net';
import express from 'express';

const app = express();
app.post('/transactions', express.json(), (req, res) => {
  const { amount } = req.body as { amount?: string };
  res.json({ transaction_id: 'TX2001', ledger_reference: null, posted_at: '2026-02-11T10:06:10.000Z', amount });
});
const server = app.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());

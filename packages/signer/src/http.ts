/** The routes of the protocol, for whoever holds the token. */
import { requireToken } from '@daybook/http';
import type { Logger, Secret } from '@daybook/runtime';
import express, { type Router } from 'express';
import { signedRequest, signRequest, walletRequest, type Refusal, type Signer } from './protocol';

/** A request with 200 inputs has 30 kB. */
const bodyBytesMax = 65_536;

export function signerRoutes(
  signer: Signer,
  options: {
    readonly token: Secret;
    readonly logger: Logger;
    readonly onSigned: () => void;
    onRefused(why: Refusal): void;
  },
): Router {
  const router = express.Router();
  const { token, logger, onSigned, onRefused } = options;
  router.use('/v1', requireToken([token]), express.json({ limit: bodyBytesMax }));
  router.post('/v1/wallets', async (req, res) => {
    res.json(await signer.walletOf(walletRequest.parse(req.body)));
  });
  router.post('/v1/signatures', async (req, res) => {
    const request = signRequest.parse(req.body);
    const { sendId, family, index } = request;
    const outcome = await signer.sign(request);
    if (outcome.ok) {
      onSigned();
      logger.info({ sendId, family, index, transactionId: outcome.value.transactionId }, 'signed');
      res.json(outcome.value);
      return;
    }
    onRefused(outcome.refusal);
    logger.warn({ sendId, family, index, refusal: outcome.refusal }, 'refused');
    res.status(422).json({ refusal: outcome.refusal });
  });
  router.post('/v1/signed', async (req, res) => {
    res.json(await signer.signedAfter(signedRequest.parse(req.body)));
  });
  return router;
}

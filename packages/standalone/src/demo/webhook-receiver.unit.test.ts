import { createHmac, randomBytes } from 'node:crypto';
import { openReceiver } from './webhook-receiver';

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
const [present, earlier, other] = [newSecret(), newSecret(), newSecret()];
const webhook = { id: 'msg_1', timestamp: '1614265330', body: '{"event":"intent.settled"}' };

function signature(secret: string): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signed = `${webhook.id}.${webhook.timestamp}.${webhook.body}`;
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

let receiver: Awaited<ReturnType<typeof openReceiver>>;
beforeAll(async () => (receiver = await openReceiver()));
afterAll(() => receiver.close());

async function isVerified(secret: string, signatures: string): Promise<boolean | undefined> {
  receiver.setSecret(secret);
  const { id, timestamp, body } = webhook;
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures };
  await fetch(receiver.url, { method: 'POST', headers, body });
  return receiver.all().at(-1)?.verified;
}

test.each([
  ['one by its secret', signature(present), true],
  ['one by another secret', signature(other), false],
  ['several of which the first is by its secret', `${signature(present)} ${signature(earlier)}`, true],
  ['several of which the last is by its secret', `${signature(earlier)} ${signature(present)}`, true],
  ['several of which none is by its secret', `${signature(earlier)} ${signature(other)}`, false],
  ['one of another version beside it', `v1a,AAAA ${signature(present)}`, true],
  ['one that only begins like it', signature(present).slice(0, -1), false],
])('signatures are right when any of them is: %s', async (_case, signatures, verified) => {
  expect(await isVerified(present, signatures)).toBe(verified);
});

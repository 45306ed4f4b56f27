/** Of the subscription that a relay is. */
export const subscriptionName = (relay: string): string => `relay ${relay}`;

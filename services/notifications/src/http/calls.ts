import {
  listDeliveries,
  listEndpoints,
  redeliver,
  registerEndpoint,
  removeEndpoint,
  rotateSecret,
} from '@daybook/contracts';
import { onCall, type CallHandler } from '@daybook/http';
import { list as deliveriesOf, sendAgain, type DeliveryDeps } from '../app/manage-deliveries';
import { list as endpointsOf, register, remove, rotate, type EndpointDeps } from '../app/manage-endpoints';

export function callHandlers(endpoints: EndpointDeps, deliveries: DeliveryDeps): CallHandler[] {
  return [
    onCall(registerEndpoint, (request) => register(endpoints, request)),
    onCall(listEndpoints, (request) => endpointsOf(endpoints, request)),
    onCall(removeEndpoint, (request) => remove(endpoints, request)),
    onCall(rotateSecret, (request) => rotate(endpoints, request)),
    onCall(listDeliveries, (request) => deliveriesOf(deliveries, request)),
    onCall(redeliver, (request) => sendAgain(deliveries, request)),
  ];
}

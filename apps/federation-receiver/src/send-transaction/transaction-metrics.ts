import { counter } from '@atoll/telemetry';

export const transactionsReceived = counter(
  'atoll_federation_transactions_received_total',
  'Transactions of other servers, by outcome',
);
export const pdusReceived = counter(
  'atoll_federation_pdus_received_total',
  'PDUs in transactions of other servers, by outcome',
);
export const edusReceived = counter(
  'atoll_federation_edus_received_total',
  'EDUs in transactions of other servers, by type and outcome',
);
export const toDeviceReceived = counter(
  'atoll_federation_to_device_received_total',
  'EDUs with messages to devices, by outcome',
);

/**
 * The type of events that servers send to merge the forks of a room. It is in no specification, but in wide use; clients are not shown such
 * events.
 */
export const DUMMY_EVENT_TYPE = 'org.matrix.dummy_event';

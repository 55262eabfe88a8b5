// Recognizes the ids that Azure gives.

/** Whether the text has the form of Azure's ids of subscriptions, tenants and clients. */
export function isGuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

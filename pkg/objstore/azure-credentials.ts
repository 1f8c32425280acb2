// The client of one container, with the credentials a bucket file names. The library of identities is loaded only for
// those that need it.

import type { ContainerClient, StoragePipelineOptions } from '@azure/storage-blob';
import { Fault, messageOf } from '../errors/fault.ts';
import type { AzureConfig, AzureCredential } from './azure-config.ts';
import { optionalClient } from './optional-client.ts';

/** Nothing is sent yet. `invalid` for a connection string or key that is none. */
export async function azureContainer(config: AzureConfig, options: StoragePipelineOptions): Promise<ContainerClient> {
  const { ContainerClient, StorageSharedKeyCredential } = await optionalClient(
    '@azure/storage-blob',
    () => import('@azure/storage-blob'),
  );
  const { credential, container, account, url } = config;
  const at = `${url}/${container}`;
  try {
    switch (credential.kind) {
      case 'connection-string':
        return new ContainerClient(credential.text, container, options);
      case 'key':
        return new ContainerClient(at, new StorageSharedKeyCredential(account, credential.key), options);
      default:
        return new ContainerClient(at, await identityOf(credential), options);
    }
  } catch (thrown) {
    // The message of the library is about the text, and does not repeat it.
    throw new Fault('invalid', `Azure configuration: ${messageOf(thrown)}`, { cause: thrown });
  }
}

/** What asks Microsoft for tokens. */
export async function identityOf(credential: Exclude<AzureCredential, { kind: 'connection-string' | 'key' }>) {
  const { ClientSecretCredential, DefaultAzureCredential, ManagedIdentityCredential } = await optionalClient(
    '@azure/identity',
    () => import('@azure/identity'),
  );
  switch (credential.kind) {
    case 'client-secret':
      return new ClientSecretCredential(credential.tenantId, credential.clientId, credential.secret);
    case 'managed':
      return new ManagedIdentityCredential({ clientId: credential.clientId });
    default:
      return new DefaultAzureCredential();
  }
}

import { storeConformance } from './conformance.ts';
import { FakeStore } from './fake-store.ts';

storeConformance('fake-store', async (series, externalLabels) => ({
  store: new FakeStore(series, { externalLabels, batchSeries: 2 }),
}));

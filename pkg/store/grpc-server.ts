// A Store behind gRPC: the Store service.

import { bindStream, bindUnary, type GrpcService } from '../net/grpc/service.ts';
import { type HintedCall, packQueriedBlocks } from '../proto/hints.ts';
import { labelNamesMethod, labelValuesMethod, STORE_SERVICE, seriesMethod } from '../proto/store-service.ts';
import { labelNamesRequestOf, labelValuesRequestOf, seriesRequestOf } from './messages.ts';
import { framesOf } from './response-batcher.ts';
import type { LabelsAnswer, Store } from './store.ts';

/** The methods answer with what the store gives; its faults become statuses. */
export function storeService(store: Store): GrpcService {
  return {
    name: STORE_SERVICE,
    methods: [
      bindStream(seriesMethod, async function* (request, message) {
        const query = seriesRequestOf(message);
        yield* framesOf(store.series(request, query), query.responseBatchSize);
      }),
      bindUnary(labelNamesMethod, async (request, message) => {
        const answer = await store.labelNames(request, labelNamesRequestOf(message));
        return { names: answer.values, ...restOf('LabelNames', answer) };
      }),
      bindUnary(labelValuesMethod, async (request, message) => {
        const answer = await store.labelValues(request, labelValuesRequestOf(message));
        return { values: answer.values, ...restOf('LabelValues', answer) };
      }),
    ],
  };
}

function restOf(call: HintedCall, { warnings, queriedBlocks }: LabelsAnswer) {
  return { warnings, hints: queriedBlocks && packQueriedBlocks(call, queriedBlocks) };
}

// The Info service: its method and messages.

import { codecOf } from './codec.ts';
import type * as info from './generated/thanos-info.ts';
import type { Method } from './method.ts';

export type InfoRequest = info.InfoRequest;
export type InfoResponse = info.InfoResponse;

export const INFO_SERVICE = 'thanos.info.Info';

export const infoMethod: Method<InfoRequest, InfoResponse> = {
  path: '/thanos.info.Info/Info',
  kind: 'unary',
  request: codecOf<InfoRequest>('thanos.info.InfoRequest'),
  response: codecOf<InfoResponse>('thanos.info.InfoResponse'),
};

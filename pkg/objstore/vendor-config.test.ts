import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { kindOf } from '../errors/fault.ts';
import { s3Address } from './s3-address.ts';
import { parseVendorConfig } from './vendor-config.ts';

const { signal } = new AbortController();

describe('a vendor that speaks S3', () => {
  for (const [type, keys, host, region] of [
    [
      'COS',
      { bucket: 'b', app_id: '12', region: 'ap-x', secret_id: 'k', secret_key: 's' },
      'b-12.cos.ap-x.myqcloud.com',
      'ap-x',
    ],
    [
      'COS',
      { endpoint: 'https://b-12.cos.ap-x.myqcloud.com', secret_id: 'k', secret_key: 's' },
      'b-12.cos.ap-x.myqcloud.com',
      'ap-x',
    ],
    [
      'ALIYUNOSS',
      { endpoint: 'oss-cn-x-internal.aliyuncs.com', bucket: 'b', access_key_id: 'k', access_key_secret: 's' },
      'b.s3.oss-cn-x-internal.aliyuncs.com',
      'cn-x',
    ],
    [
      'ALIYUNOSS',
      { endpoint: 'https://s3.oss-cn-x.aliyuncs.com/', bucket: 'b', access_key_id: 'k', access_key_secret: 's' },
      'b.s3.oss-cn-x.aliyuncs.com',
      'cn-x',
    ],
    ['BOS', { bucket: 'b', endpoint: 'gz.bcebos.com', access_key: 'k', secret_key: 's' }, 's3.gz.bcebos.com', 'gz'],
    [
      'OBS',
      {
        bucket: 'b',
        endpoint: 'obs.cn-north-4.myhuaweicloud.com',
        access_key: 'k',
        secret_key: 's',
        max_retries: 2,
        http_config: {},
      },
      'b.obs.cn-north-4.myhuaweicloud.com',
      'cn-north-4',
    ],
    [
      'OCI',
      { provider: 'raw', bucket: 'b', region: 'r-1', namespace: 'ns', access_key: 'k', secret_key: 's', unknown: 1 },
      'ns.compat.objectstorage.r-1.oraclecloud.com',
      'r-1',
    ],
  ] as const) {
    test(`${type} is reached at ${host}`, async () => {
      const config = await parseVendorConfig(type, keys);
      assert.equal(s3Address(config.endpoint, config.bucket, config.region).host, host);
      assert.equal(config.region, region);
      const { accessKey, secretKey } = await config.credentials.current(signal);
      assert.deepEqual([accessKey, secretKey], ['k', 's']);
      assert.equal(config.transport.isInsecure, false);
    });
  }

  for (const [type, keys, kind, message] of [
    ['COS', { secret_id: 'k', secret_key: 's', bucket: 'b' }, 'invalid', /config.app_id: is required; config.region/],
    ['COS', { bucket: 'b' }, 'invalid', /config.secret_id: is required/],
    ['ALIYUNOSS', { bucket: 'b' }, 'invalid', /config.endpoint: is required/],
    ['BOS', {}, 'invalid', /config.bucket: is required/],
    ['OBS', { bucket: 'b', buckt: 'c' }, 'invalid', /unknown key "buckt"/],
    ['OCI', { bucket: 'b', user_ocid: 'u', privatekey: 'p' }, 'unsupported', /customer secret key/],
  ] as const) {
    test(`${type} with ${Object.keys(keys).join(', ') || 'nothing'} is refused`, async () => {
      await assert.rejects(parseVendorConfig(type, keys), (thrown) => {
        assert.equal(kindOf(thrown), kind);
        assert.match(String(thrown), message);
        return true;
      });
    });
  }
});

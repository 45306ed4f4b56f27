export {
  openPlatform,
  type Platform,
  type PlatformOptions,
  type PlatformOverrides,
  type ServiceParts,
} from './platform';

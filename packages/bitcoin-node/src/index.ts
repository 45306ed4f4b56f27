export { regtestNode, type Output, type RegtestNode } from './regtest-node';

export { MAX_QUERY } from './parser.ts'
export { compileTwinQuery, type TwinGroups, type TwinQuery } from './query.ts'

export {
  ADMIN,
  ANONYMOUS,
  type Caller,
  deviceCaller,
  isRole,
  isScope,
  ROLES,
  type Role,
  SCOPES,
  type Scope,
  scopesOfRole,
} from './caller.ts'

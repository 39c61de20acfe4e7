import { testStates } from './lib/accessible.mjs'

testStates(import.meta.url)

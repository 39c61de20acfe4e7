import { testStates } from './lib/accessible.mjs'

testStates(2)

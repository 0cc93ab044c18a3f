import { verdictTests } from '../testing/verdict-tests'

verdictTests(0, 4)

import { verdictTests } from '../testing/verdict-tests'

verdictTests(1, 4)

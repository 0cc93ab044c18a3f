import { verdictTests } from '../testing/verdict-tests'

verdictTests(2, 4)

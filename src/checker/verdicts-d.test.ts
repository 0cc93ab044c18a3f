import { verdictTests } from '../testing/verdict-tests'

verdictTests(3, 4)

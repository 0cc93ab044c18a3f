import { configure } from '@testing-library/react'

// A machine may be busy: what is waited for comes, or the test fails when its own time is over.
configure({ asyncUtilTimeout: 20_000 })

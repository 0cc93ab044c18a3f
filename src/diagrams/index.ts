import { selectBoard } from './board/select'
import { selectOwner } from './owner/select'
import { selectPageTable } from './page-table/select'
import { selectPages } from './pages/select'
import { selectWhere } from './where/select'
import { selectWho } from './who/select'

/** Every picture, with what turns the heap into its view. */
export const diagrams = [
  { name: 'board', title: 'The whole board', select: selectBoard },
  { name: 'who', title: 'Processes, threads and pins', select: selectWho },
  { name: 'page-table', title: 'Page table entries', select: selectPageTable },
  { name: 'pages', title: 'Struct pages', select: selectPages },
  { name: 'owner', title: 'pgmap, file, device', select: selectOwner },
  { name: 'where', title: 'The iomem tree', select: selectWhere },
] as const

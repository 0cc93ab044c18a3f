import { linkBoot, selectBoot } from '../boot/select'
import { AddressField } from '../cxl/AddressField'
import { addressOf } from '../cxl/address'
import { CxlDiagram } from '../cxl/CxlDiagram'
import { placeTopology } from '../cxl/layout'
import { cxlOwners, linkCxl } from '../cxl/owners'
import { selectTopology } from '../cxl/select'
import { topologyText } from '../cxl/text'
import { blockCards, linkBlocks } from '../memory-blocks/select'
import { leaseCards } from '../owner/lease-cards'
import { selectPks } from '../pks/select'
import { linkOdp, odpCards } from '../who/odp-cards'
import type { Part } from './part'

/** What the board draws besides, once it has arrived. */
export const late: Part = {
  who: ({ k }, changes) => odpCards(k, changes),
  pageTable: selectPks,
  other: (k, changes) =>
    k.boots.capacity === 0 ? undefined : { lanes: selectBoot(k, changes), links: linkBoot(k) },
  owner: ({ k }, changes, findings) => [
    ...leaseCards(k, changes),
    ...blockCards(k, changes, findings),
    ...cxlOwners(k, changes),
  ],
  links: (scene) => [...linkOdp(scene), ...linkBlocks(scene), ...linkCxl(scene)],
  topology: selectTopology,
  text: topologyText,
  place: placeTopology,
  addressOf,
  Diagram: CxlDiagram,
  Field: AddressField,
}

import { ref } from '../../../arena'
import { xfs_dax_notify_failure } from '../../fs/xfs/xfs_notify_failure'
import { MF } from '../../include/mm'
import { operation } from '../../operation'
import { insiders } from '../../wait-holders'

/** The step inside dax_read_lock() of each operation that takes it. */
const READING: Readonly<Record<string, string>> = {
  dax_iomap_fault: 'read_unlock',
  dev_dax_huge_fault: 'insert',
}

/** kill_dax(): no fault, read or write can get at the device any more. */
export const kill_dax = operation({
  name: 'kill_dax',
  does: 'Turns the DAX side of the device off.',
  source: { file: 'drivers/dax/super.c', fn: 'kill_dax', version: '6.12' },
  leftOut: 'Readers that read(2) and write(2) are: those are one step here.',
  params: { dax: ref('dax_device') },
  entry: 'notify',
  steps: {
    notify: {
      does: 'Tell the holder that the device goes, from 6.0 on; from 6.8 on with MF_MEM_PRE_REMOVE. ext4 is no holder. The answer is not looked at.',
      fn: 'dax_holder_notify_failure',
      run(k, t) {
        const { holder } = k.daxDevices.at(t.dax)
        const { removeNotify } = k.policy
        if (holder === 0 || removeNotify === 'none' || removeNotify === 'massFailure')
          return 'clear_alive'
        const flags = removeNotify === 'preRemove' ? MF.mem_pre_remove : 0
        const { start: from, end: to } = k.namespaces.at(k.superBlocks.at(holder).device)
        const failure = { superBlock: holder, flags, from, to }
        return t.call(xfs_dax_notify_failure, failure, 'clear_alive')
      },
    },
    clear_alive: {
      does: 'Clear DAXDEV_ALIVE: dax_direct_access() fails from here on.',
      run(k, t) {
        k.daxDevices.at(t.dax).alive = 0
        return 'synchronize_srcu'
      },
    },
    synchronize_srcu: {
      does: 'Wait until everybody who saw it alive has left dax_read_lock().',
      fn: 'synchronize_srcu',
      when: {
        state: 'D',
        ready: (k, t) => k.daxDevices.at(t.dax).srcu_readers === 0,
        reason: (k, t) =>
          `waits for ${k.daxDevices.at(t.dax).srcu_readers} readers inside dax_read_lock()`,
        holders: (k, t) =>
          insiders(
            k,
            ({ operation, step, locals }) =>
              READING[operation.name] === step.name && locals['dax'] === t.dax,
          ),
      },
      run(k, t) {
        k.daxDevices.at(t.dax).holder = 0
        return t.done()
      },
    },
  },
})

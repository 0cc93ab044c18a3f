import { ref } from '../../../arena'
import { operation } from '../../operation'

/** kill_dax(): no fault, read or write can get at the device any more. */
export const kill_dax = operation({
  name: 'kill_dax',
  does: 'Turns the DAX side of the device off.',
  source: { file: 'drivers/dax/super.c', fn: 'kill_dax', version: '6.12' },
  leftOut:
    'A device without holder operations skips the notice; SRCU readers hold it for one step only.',
  params: { dax: ref('dax_device') },
  entry: 'notify',
  steps: {
    notify: {
      does: 'Tell the holder that the device goes (MF_MEM_PRE_REMOVE). Without a reverse map XFS answers -EOPNOTSUPP; ext4 is no holder. The answer is not looked at.',
      fn: 'dax_holder_notify_failure',
      run: () => 'clear_alive',
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
      },
      run(k, t) {
        k.daxDevices.at(t.dax).holder = 0
        return t.done()
      },
    },
  },
})

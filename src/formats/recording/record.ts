import * as v from 'valibot'

const Name = v.pipe(v.string(), v.maxLength(200))

const ActionSchema = v.looseObject({
  op: Name,
  by: v.optional(Name, 'other'),
  at: v.optional(Name),
})

export const StepSchema = v.object({
  group: Name,
  n: v.optional(v.union([Name, v.pipe(v.number(), v.transform(String))]), ''),
  title: v.optional(Name, ''),
  do: v.optional(v.pipe(v.array(ActionSchema), v.maxLength(100))),
  see: v.optional(v.record(v.string(), v.unknown()), {}),
})

export const HeaderSchema = v.object({
  kernelRecording: v.literal(1),
  name: Name,
  kernel: Name,
  arch: v.optional(Name, ''),
  how: v.optional(v.pipe(v.string(), v.maxLength(1000)), ''),
})

/** Something that was done: `op` by an actor, at a symbolic address, with what else the op takes. */
export type Action = Readonly<v.InferOutput<typeof ActionSchema>>

/** What was done, and what the kernel then showed. */
export type RecordedStep = Readonly<Omit<v.InferOutput<typeof StepSchema>, 'do'>> & {
  readonly do?: readonly Action[] | undefined
}

/** What a real kernel printed while a script of memory-management actions ran on it. */
export interface Recording {
  readonly name: string
  readonly kernel: string
  readonly steps: readonly RecordedStep[]
}

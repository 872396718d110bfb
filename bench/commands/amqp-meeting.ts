/** What devices need to come to a sender; the sender writes it to a file and prints where. */
export interface Meeting {
  readonly port: number
  /** PEM. */
  readonly ca: string
  /** What a device shows; '' where nobody asks. */
  readonly token: string
}

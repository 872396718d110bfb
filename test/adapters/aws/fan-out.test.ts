import { AWS } from '../../parity/aws.ts'
import { fanOutScenario } from '../../parity/fan-out.ts'

// moto looks through a whole queue for each entry that it takes.
fanOutScenario(AWS, { crew: 60 })

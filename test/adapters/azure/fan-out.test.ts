import { AZURE } from '../../parity/azure.ts'
import { fanOutScenario } from '../../parity/fan-out.ts'

fanOutScenario(AZURE)

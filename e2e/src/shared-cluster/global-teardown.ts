import { stopRunning } from './running.js';

export default stopRunning;
